//! The service over real TLS: who is let in, who is told what, and that asking again changes nothing.

mod authorities;
mod filing;
mod joining;
mod renewing;
mod replacing;
mod rotating;
mod strangers;
