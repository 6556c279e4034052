//! What a turn should look like in Discord. Everything here is PURE: no await, no clock, no random, no IO.

pub mod view;

pub mod card;

pub mod controls;

pub mod form;

pub mod queue;

pub mod reminder;

pub mod tool_line;

pub mod escape;

pub mod expose;

pub mod markdown;

pub mod chunk;

pub mod message;
