//! One look per tool.
