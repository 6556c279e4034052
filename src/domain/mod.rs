//! Plain data in the project's one vocabulary: no IO, no serenity types, no CLI JSON, no SQL.

pub mod ids;

pub mod prompt;

pub mod tool;

pub mod tier;

pub mod ask;

pub mod answer;

pub mod digest;

pub mod ruling;

pub mod tool_pattern;

pub mod action;

pub mod effort;
pub mod event;
