//! The door, asked as a client asks it.
