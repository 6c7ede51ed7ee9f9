//! The address of an HTTP proxy, as a person writes it in the settings.

use serde::Deserialize;

/// Where an HTTP proxy listens; it carries no user and no password.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ProxyAddress(String);

/// A text that is no proxy's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseProxyFailed {
    /// It is not of the form.
    #[error("a proxy is written http://host:port")]
    Form,
    /// It holds a user or password; the text is not repeated.
    #[error(
        "user and password of a proxy do not belong into its address; put them into a file that [hub] proxy_credentials names"
    )]
    Credentials,
}

impl ProxyAddress {
    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProxyAddress {
    type Error = ParseProxyFailed;

    fn try_from(text: String) -> Result<Self, ParseProxyFailed> {
        if text.contains('@') {
            return Err(ParseProxyFailed::Credentials);
        }
        let rest = text.strip_prefix("http://").ok_or(ParseProxyFailed::Form)?;
        let address = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = address.rsplit_once(':').ok_or(ParseProxyFailed::Form)?;
        let is_host =
            host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '[' | ']' | ':'));
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
        if host.is_empty() || !is_host || !is_port {
            Err(ParseProxyFailed::Form)
        } else {
            Ok(Self(address.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, ParseProxyFailed>) {
        let parsed = ProxyAddress::try_from(text.to_owned());
        assert_eq!(parsed.as_ref().map(ProxyAddress::address), expected.as_ref().map(|text| *text), "{text}");
    }

    #[test]
    fn an_address_has_a_host_and_a_port_and_no_credentials() {
        check("http://proxy.example.edu.cn:8080", Ok("proxy.example.edu.cn:8080"));
        check("http://[::1]:3128/", Ok("[::1]:3128"));
        for text in ["", "proxy:8080", "https://proxy:8080", "http://proxy", "http://:8080", "http://proxy:0"]
        {
            check(text, Err(ParseProxyFailed::Form));
        }
        check("http://proxy:8080/path", Err(ParseProxyFailed::Form));
        check("http://pro\r\nxy:8080", Err(ParseProxyFailed::Form));
        check("http://user:geheim@proxy:8080", Err(ParseProxyFailed::Credentials));
        assert!(!ParseProxyFailed::Credentials.to_string().contains("geheim"));
    }
}
