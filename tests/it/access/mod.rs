//! Who may do what: the whole matrix by the pure rule, and one case of each kind from outside.

mod matrix;

mod outside;

mod shares;

mod why;
