//! Everything known about the Claude Code CLI, and only here.
