//! Logs: JSON lines, rotated.
