//! The addresses that OAI-PMH asks under.

use crate::connector::declaration::OaiSource;

/// One request: what stands in the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) verb: &'static str,
    pub(super) url: String,
}

impl Request {
    pub(super) fn identify(base: &str) -> Self {
        Self::new(base, "Identify", &[])
    }

    pub(super) fn list(source: &OaiSource, verb: &'static str, from: Option<&str>) -> Self {
        let mut arguments = vec![("metadataPrefix", source.metadata_prefix.as_str())];
        arguments.extend(from.map(|from| ("from", from)));
        arguments.extend(source.set.as_deref().map(|set| ("set", set)));
        Self::new(&source.url, verb, &arguments)
    }

    /// A resumption token stands alone: the protocol forbids any other argument beside it.
    pub(super) fn resume(base: &str, verb: &'static str, token: &str) -> Self {
        Self::new(base, verb, &[("resumptionToken", token)])
    }

    pub(super) fn record(source: &OaiSource, identifier: &str) -> Self {
        let arguments = [("metadataPrefix", source.metadata_prefix.as_str()), ("identifier", identifier)];
        Self::new(&source.url, "GetRecord", &arguments)
    }

    fn new(base: &str, verb: &'static str, arguments: &[(&str, &str)]) -> Self {
        let mut url = format!("{base}{}verb={verb}", if base.contains('?') { '&' } else { '?' });
        for (name, value) in arguments {
            url.push('&');
            url.push_str(name);
            url.push('=');
            encode(value, &mut url);
        }
        Self { verb, url }
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986, section 2.3.
fn encode(value: &str, url: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_encoded_and_stands_alone() {
        let request = Request::resume("https://e.org/oai", "ListSets", "////100 &a=中");
        assert_eq!(
            request.url,
            "https://e.org/oai?verb=ListSets&resumptionToken=%2F%2F%2F%2F100%20%26a%3D%E4%B8%AD"
        );
        let request = Request::identify("https://e.org/oai?x=1");
        assert_eq!(request.url, "https://e.org/oai?x=1&verb=Identify");
    }
}
