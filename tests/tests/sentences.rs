//! Every code and every rule has its sentence in both languages of the window.

#[test]
fn nothing_is_said_in_codes_alone() {
    let codes = domain::problem::Code::ALL.iter().map(|code| format!("\"problem.{}\"", code.as_str()));
    let rules = ocds::check::RULES
        .iter()
        .chain(domain::follow_up::RULES)
        .chain(domain::follow_up::CENTRAL_RULES)
        .chain(domain::form::RULES)
        .map(|rule| format!("\"rule.{rule}\""));
    let keys: Vec<String> = codes.chain(rules).collect();
    for language in ["es", "en"] {
        let text: String = journeys::files_under(&journeys::root().join("ui/src/lib/i18n"))
            .into_iter()
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(language)))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        let missing: Vec<&String> = keys.iter().filter(|key| !text.contains(*key)).collect();
        assert!(missing.is_empty(), "{language}: {missing:?}");
    }
}
