//! An element of XML with everything in it, as far as the readers of metadata look at it.

/// Whose words an element's name belongs to, told by its namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vocabulary {
    /// OAI-PMH 2.0.
    Oai,
    /// The container of unqualified Dublin Core.
    OaiDc,
    /// Dublin Core elements 1.1.
    Dc,
    /// The CERIF profile of OpenAIRE, any version.
    Cerif,
    /// Any other.
    Other,
}

impl Vocabulary {
    pub(crate) fn of_namespace(uri: &str) -> Self {
        match uri {
            "http://www.openarchives.org/OAI/2.0/" => Self::Oai,
            "http://www.openarchives.org/OAI/2.0/oai_dc/" => Self::OaiDc,
            "http://purl.org/dc/elements/1.1/" => Self::Dc,
            uri if uri.starts_with("https://www.openaire.eu/cerif-profile/") && !uri.contains("/vocab/") => {
                Self::Cerif
            }
            _ => Self::Other,
        }
    }
}

/// An element; its text has single spaces between words and none around them.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) vocabulary: Vocabulary,
    /// Without prefix.
    pub(crate) name: String,
    /// Names without prefix: `lang` is `xml:lang`.
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) children: Vec<Self>,
}

impl Element {
    pub(crate) fn is(&self, vocabulary: Vocabulary, name: &str) -> bool {
        self.vocabulary == vocabulary && self.name == name
    }

    /// The first child of that name.
    pub(crate) fn child(&self, vocabulary: Vocabulary, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(vocabulary, name))
    }

    /// The text of the first child of that name.
    pub(crate) fn text_of(&self, vocabulary: Vocabulary, name: &str) -> Option<&str> {
        self.child(vocabulary, name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// `zh` of `xml:lang="zh-Hans-CN"`.
    pub(crate) fn primary_language(&self) -> Option<String> {
        let primary = self.attribute("lang")?.split(['-', '_']).next()?;
        (2..=8).contains(&primary.len()).then(|| primary.to_ascii_lowercase())
    }

    /// Adds a piece of text. White space of any length is one space, and what XML does not allow counts as white space:
    /// repositories pass on the control characters of the documents they were fed with.
    pub(crate) fn append_text(&mut self, piece: &str) {
        for character in piece.chars() {
            if character.is_whitespace() || character.is_control() {
                if !self.text.is_empty() && !self.text.ends_with(' ') {
                    self.text.push(' ');
                }
            } else {
                self.text.push(character);
            }
        }
    }

    pub(crate) fn finish_text(&mut self) {
        let end = self.text.trim_end().len();
        self.text.truncate(end);
    }
}
