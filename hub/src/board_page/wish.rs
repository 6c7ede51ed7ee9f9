//! What a request wishes of the page: its language, and whether it renews itself.

use safeharbor_rules::Lang;

/// The wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    /// The language.
    pub(super) lang: Lang,
    /// Whether the page renews itself.
    pub(super) renews: bool,
}

impl Wish {
    /// Reads the wish from the parameters `lang` and `every`, then the browser's `Accept-Language`; Chinese is the default.
    pub(super) fn read(parameters: &[(String, String)], accept_language: Option<&str>) -> Self {
        let last = |name: &str| parameters.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value);
        let asked = last("lang").and_then(|tag| lang_of(tag));
        let lang = asked.or_else(|| preferred(accept_language?)).unwrap_or(Lang::Zh);
        Self { lang, renews: last("every").is_some_and(|every| every == "30") }
    }
}

/// The language of a tag such as `zh-CN`.
fn lang_of(tag: &str) -> Option<Lang> {
    match tag.trim().split('-').next()?.to_ascii_lowercase().as_str() {
        "zh" => Some(Lang::Zh),
        "en" => Some(Lang::En),
        _ => None,
    }
}

/// The language of highest quality; the first of equals (RFC 9110, section 12.5.4).
fn preferred(accept_language: &str) -> Option<Lang> {
    let mut best: Option<(Lang, f32)> = None;
    for range in accept_language.split(',') {
        let (tag, quality) =
            range.split_once(';').map_or((range, Some(1.0)), |(tag, q)| (tag, quality_of(q)));
        let Some((lang, quality)) = lang_of(tag).zip(quality) else { continue };
        if quality > best.map_or(0.0, |(_, highest)| highest) {
            best = Some((lang, quality));
        }
    }
    best.map(|(lang, _)| lang)
}

fn quality_of(parameter: &str) -> Option<f32> {
    let quality = parameter.trim().strip_prefix("q=")?.parse::<f32>().ok()?;
    (0.0..=1.0).contains(&quality).then_some(quality)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parameters: &[(&str, &str)], accept: Option<&str>, lang: Lang, renews: bool) {
        let given: Vec<_> =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(Wish::read(&given, accept), Wish { lang, renews }, "{parameters:?} {accept:?}");
    }

    #[test]
    fn the_parameter_wins_then_the_browser_then_chinese() {
        check(&[], None, Lang::Zh, false);
        check(&[("lang", "en")], Some("zh-CN"), Lang::En, false);
        check(&[("lang", "zh-CN")], Some("en"), Lang::Zh, false);
        check(&[("lang", "fr")], Some("en-GB,en;q=0.8"), Lang::En, false);
        check(&[("lang", "en"), ("lang", "zh")], None, Lang::Zh, false);
        check(&[], Some("fr, en;q=0.4, zh-CN;q=0.7"), Lang::Zh, false);
        check(&[], Some("en;q=0, zh;q=0.1"), Lang::Zh, false);
        check(&[], Some("en;q=NaN, de;q=9, ;;,"), Lang::Zh, false);
    }

    #[test]
    fn the_page_renews_itself_at_one_pace_only() {
        check(&[("every", "30")], None, Lang::Zh, true);
        check(&[("every", "0")], None, Lang::Zh, false);
    }
}
