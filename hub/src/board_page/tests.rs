//! The page and its answers as a browser sees them.
mod drawing;
mod serving;
