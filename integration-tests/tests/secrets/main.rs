//! Secrets stay where they are: in no `Debug`, no log line, no audit entry, no answer to a command.
#![cfg(test)]
#![expect(clippy::string_slice, reason = "tests may panic")]

mod debug;
mod run;

/// Every form in which bytes could stand in a text.
fn forms_of(secret: &[u8]) -> Vec<String> {
    use safeharbor_core::b64;
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers: Vec<String> = secret.iter().take(8).map(ToString::to_string).collect();
    let lines: Vec<String> = secret.iter().take(8).map(|byte| format!("    {byte},")).collect();
    let text = String::from_utf8_lossy(secret).into_owned();
    let padded = b64::encode_std(secret);
    // Without what depends on the bytes behind, where the secret is part of something longer.
    let (url, std) = (b64::encode_url(secret), padded.trim_end_matches('=').to_owned());
    let short = |text: String| text[..text.len().saturating_sub(2)].to_owned();
    vec![hex, numbers.join(", "), lines.join("\n"), text, short(url), short(std)]
}

/// Looks for every form of every secret, named so that a failure does not print it.
fn check_holds_none(text: &str, secrets: &[(String, Vec<u8>)], place: &str) {
    for (name, secret) in secrets {
        for (number, form) in forms_of(secret).iter().enumerate() {
            assert!(form.len() >= 8, "{name} is too short to be looked for");
            assert!(!text.contains(form.as_str()), "{place} holds {name} (form {number})");
        }
    }
}

#[test]
fn a_secret_is_found_in_every_form() {
    let secret = b"a secret of some length".to_vec();
    let named = [("it".to_owned(), secret.clone())];
    for form in forms_of(&secret) {
        let text = format!("before {form} behind");
        assert!(std::panic::catch_unwind(|| check_holds_none(&text, &named, "text")).is_err(), "{form}");
    }
    let debug = format!("{secret:?}\n{secret:#?}");
    assert!(std::panic::catch_unwind(|| check_holds_none(&debug, &named, "text")).is_err());
    check_holds_none("before and behind", &named, "text");
}
