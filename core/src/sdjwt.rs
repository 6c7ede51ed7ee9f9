//! SD-JWT (RFC 9901) with Ed25519: tokens that reveal claims one by one.

mod conceal;
mod disclosure;
mod jws;
mod key_binding;
mod process;
mod token;

pub use conceal::{ConcealFailed, Concealed, conceal};
pub use disclosure::{Disclosure, ParseDisclosureFailed};
pub use jws::{Algorithm, Jws, JwsFailed, sign_jws};
pub use key_binding::{KeyBinding, bind_key};
pub use process::{ProcessFailed, process};
pub use token::{Expectations, SdJwt, Verified, VerifySdJwtFailed, public_key_from_jwk, public_key_to_jwk};
