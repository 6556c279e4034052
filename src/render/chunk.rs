//! Markdown → pieces within Discord's limit.
