//! One actor per channel or thread.
