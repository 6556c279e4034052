//! Turn events → the messages that Discord ought to show.
