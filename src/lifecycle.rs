//! Start, readiness, watchdog and stop of the daemon.
