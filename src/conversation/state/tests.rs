//! Tables: what goes in, and what is to be done then, in the bench's short words.

mod asks;
mod bench;
mod hangs;
mod holds;
mod joined;
mod laws;
mod recovery;
mod steering;
mod stops;
mod tuning;
mod turns;
mod warmth;
mod world;
