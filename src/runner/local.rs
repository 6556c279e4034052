//! Runs processes on this machine, each under a shim.
