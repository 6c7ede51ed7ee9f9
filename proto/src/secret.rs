//! What may be shown of messages that carry secrets.

use std::fmt;

use crate::v1::JoinRequest;

impl fmt::Debug for JoinRequest {
    /// All but the invitation's secret, which lets anybody in who has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret: _, csr_pem, proof, cosignature, presentation, software } = self;
        f.debug_struct("JoinRequest")
            .field("csr_pem", csr_pem)
            .field("proof", proof)
            .field("cosignature", cosignature)
            .field("presentation", presentation)
            .field("software", software)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitations_secret_is_not_shown() {
        let request =
            JoinRequest { secret: vec![201; 16], software: "node 1".to_owned(), ..JoinRequest::default() };
        let shown = format!("{request:?}");
        assert!(shown.contains("node 1") && !shown.contains("201"), "{shown}");
    }
}
