//! Embedded Discord, its chat page, and a demo assistant.
