//! Makes Discord equal to the view.
