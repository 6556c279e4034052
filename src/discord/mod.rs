//! What comes in from Discord.
