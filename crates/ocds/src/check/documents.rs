//! `documents`: a title, a type that belongs where the document is, a web address and a media type that work.

use serde_json::json;

use super::{Case, Finding, error, warning};
use crate::codelist;

/// `no-title` · `no-url` (warning) · `bad-url` · `bad-format` · `misplaced`
pub(super) const REASONS: &[&str] = &["no-title", "no-url", "bad-url", "bad-format", "misplaced"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for document in case.objects("Document") {
        let merged = case.is(document.pointer).unwrap_or(document.value);
        let text = |name: &str| merged[name].as_str().filter(|text| !text.trim().is_empty());
        if text("title").is_none() {
            found.push(error("documents", document.pointer, json!({"reason": "no-title", "field": "title"})));
        }
        match text("url") {
            None => {
                let params = json!({"reason": "no-url", "field": "url"});
                found.push(warning("documents", document.pointer, params));
            }
            Some(url) if !is_web_address(url) => {
                let params = json!({"reason": "bad-url", "field": "url", "value": url});
                found.push(error("documents", format!("{}/url", document.pointer), params));
            }
            Some(_) => {}
        }
        if let Some(format) = text("format")
            && !codelist::get("mediaType").is_some_and(|list| list.contains(format))
        {
            let params = json!({"reason": "bad-format", "field": "format", "value": format});
            found.push(error("documents", format!("{}/format", document.pointer), params));
        }
        if let Some((code, sections)) = text("documentType").and_then(|code| Some((code, sections(code)?)))
            && let Some(section) = section(document.pointer)
            && !sections.contains(&section)
        {
            let params = json!({"reason": "misplaced", "field": "documentType", "value": code,
                "section": section, "expected": sections});
            found.push(error("documents", format!("{}/documentType", document.pointer), params));
        }
    }
    found
}

/// The part of the process in which a document is.
fn section(pointer: &str) -> Option<&'static str> {
    let known = [
        ("/planning/", "planning"),
        ("/tender/", "tender"),
        ("/awards/", "award"),
        ("/contracts/", "contract"),
    ];
    let (_, section) = known.into_iter().find(|(start, _)| pointer.starts_with(start))?;
    Some(if section == "contract" && pointer.contains("/implementation/") {
        "implementation"
    } else {
        section
    })
}

/// Where a document of a type belongs; `None` for a type that may be anywhere or that is not ours.
fn sections(code: &str) -> Option<&'static [&'static str]> {
    Some(match code {
        "plannedProcurementNotice"
        | "procurementPlan"
        | "marketStudies"
        | "assetAndLiabilityAssessment"
        | "riskProvisions"
        | "needsAssessment"
        | "feasibilityStudy"
        | "projectPlan"
        | "request" => &["planning"],
        "tenderNotice"
        | "biddingDocuments"
        | "technicalSpecifications"
        | "evaluationCriteria"
        | "evaluationReports"
        | "hearingNotice"
        | "eligibilityCriteria"
        | "clarifications"
        | "shortlistedFirms"
        | "billOfQuantity"
        | "bidders" => &["tender"],
        "awardNotice" | "winningBid" => &["award"],
        "contractNotice" | "contractSigned" | "contractAnnexe" | "subContract" | "contractSummary" => {
            &["contract"]
        }
        "completionCertificate"
        | "physicalProgressReport"
        | "financialProgressReport"
        | "finalAudit"
        | "debarments" => &["implementation"],
        "contractDraft" => &["tender", "award"],
        "contractArrangements" | "contractSchedule" => &["tender", "award", "contract"],
        "environmentalImpact" => &["planning", "implementation"],
        "complaints" => &["tender", "award"],
        "contractGuarantees" => &["tender", "contract"],
        "conflictOfInterest" | "cancellationDetails" => &["tender", "award", "contract", "implementation"],
        "illustration" => &["tender", "contract", "implementation"],
        "submissionDocuments" => &["award", "contract"],
        _ => return None,
    })
}

/// An `http` or `https` address with a host, written with the characters that an address may have (RFC 3986).
fn is_web_address(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")) else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let bytes = rest.as_bytes();
    let fits = |(at, byte): (usize, &u8)| match byte {
        b'%' => bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        byte => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(byte),
    };
    host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[') && bytes.iter().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses() {
        for good in ["https://ejemplo.mx/a%20b.pdf", "http://localhost:8780/x?y=1#z", "HTTPS://ejemplo.mx"] {
            assert!(is_web_address(good), "{good}");
        }
        for bad in [
            "ejemplo.mx/a.pdf",
            "https://",
            "https://:8080/a.pdf",
            "https:///a.pdf",
            "https://ejemplo.mx/a b",
            "https://ejemplo.mx/año",
            "https://e.mx/100%",
            "file:///a",
        ] {
            assert!(!is_web_address(bad), "{bad}");
        }
    }

    #[test]
    fn every_type_with_a_place_is_in_the_codelist() {
        let list = codelist::get("documentType").expect("the list is embedded");
        assert!(list.codes.iter().filter(|code| sections(code.code).is_some()).count() >= 40);
        assert_eq!(section("/contracts/0/implementation/documents/0"), Some("implementation"));
        assert_eq!(section("/contracts/0/documents/0"), Some("contract"));
        assert_eq!(section("/x"), None);
        assert_eq!(sections("x"), None::<&[&str]>);
    }
}
