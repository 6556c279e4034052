//! One OS child and its shim; knows nothing of Claude.

pub mod lines;

pub mod spool;

pub mod shim;

pub mod stop;
