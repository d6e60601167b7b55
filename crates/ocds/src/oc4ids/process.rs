//! The summary of one contracting process.

use serde_json::{Map, Value, json};
use std::borrow::Cow;

use super::fit::{At, Fit, List, put};
use super::modifications::History;
use super::parties::{Members, Parties};
use super::status::{self, date, standing};
use super::total::{Total, total, whole};
use super::{Context, LeftOut, Origin, Process};
use crate::tag::items;
use crate::value::id_text;

const SUMMARY: &str = "/definitions/ContractingProcessSummary/properties";
const TENDER: &str = "/definitions/ContractingProcessSummary/properties/tender/properties";

/// Types of documents of the planning that are about the project (mapping of the CoST IDS elements), and
/// `projectPlan`. Others are about the process.
const OF_PLANNING: &[&str] = &[
    "projectScope",
    "projectPlan",
    "needsAssessment",
    "feasibilityStudy",
    "environmentalImpact",
    "socialImpact",
    "landAndSettlementImpact",
    "resettlementPlan",
    "budgetApproval",
    "budgetAmendmentApproval",
    "financialAgreement",
    "procurementPlan",
];

/// The same of the implementation.
const OF_IMPLEMENTATION: &[&str] = &[
    "finalAudit",
    "financialAuditReport",
    "technicalAuditReport",
    "projectEvaluation",
    "projectCompletionReport",
];

/// A contracting process: `{id, summary, releases}`.
pub(super) fn contracting_process(
    process: &Process<'_>,
    parties: &Parties,
    members: &Members,
    context: &Context<'_>,
    left_out: &mut Vec<LeftOut>,
) -> Value {
    let releases = releases(process, context, left_out);
    let origin = Origin::Process(process.ocid.clone());
    let history = History::of(process);
    let mut fit = Fit::new(&origin, left_out);
    let compiled = At::root(process.compiled);

    let mut summary = Map::new();
    put(&mut summary, "ocid", process.ocid.as_str());
    if process.compiled["tender"]["mainProcurementCategory"] == "works" {
        put(&mut summary, "nature", vec![json!("construction")]);
    }
    for (name, from) in [("title", title(&compiled)), ("description", description(&compiled))] {
        put(&mut summary, name, from.and_then(|from| fit.copy(&format!("{SUMMARY}/{name}"), &from)));
    }
    put(&mut summary, "status", status::status(process.compiled, context.now));
    put(&mut summary, "tender", tender(process, parties, members, &mut fit));
    let mut suppliers = parties.of_process(members, "supplier");
    for award in standing_items(&compiled, "awards") {
        references(&award, "suppliers", members, &mut suppliers, &mut fit);
    }
    put(&mut summary, "suppliers", suppliers.items);
    put(&mut summary, "contractPeriod", contract_period(process, &history, &mut fit));
    put(&mut summary, "modifications", history.modifications(process, &mut fit));
    put(&mut summary, "transactions", transactions(&compiled, members, &mut fit));
    put(&mut summary, "milestones", milestones(&compiled, &mut fit));
    put(&mut summary, "documents", documents(&compiled, false, &mut fit));

    let value = total(&contract_values(process, &history, &mut fit));
    put(&mut summary, "contractValue", sum("/summary/contractValue", value, &origin, left_out));
    if status::all_ended(process.compiled, context.now) {
        let finals = final_values(process, &mut Fit::new(&origin, left_out));
        put(&mut summary, "finalValue", sum("/summary/finalValue", finals, &origin, left_out));
    }
    let mut made = Map::new();
    put(&mut made, "id", process.ocid.as_str());
    put(&mut made, "summary", summary);
    put(&mut made, "releases", releases);
    Value::Object(made)
}

/// The value of a sum, or a word about why there is none.
pub(super) fn sum(
    field: &'static str,
    total: Total,
    origin: &Origin,
    left_out: &mut Vec<LeftOut>,
) -> Option<Value> {
    match total {
        Total::Nothing => None,
        Total::Value(value) => Some(value),
        Total::NoSum => {
            left_out.push(LeftOut::Sum { origin: origin.clone(), field });
            None
        }
    }
}

/// What the contracts that stand cost in the end: the final value of each, or else what was paid. No total unless it
/// is known of each.
pub(super) fn final_values(process: &Process<'_>, fit: &mut Fit<'_>) -> Total {
    whole(standing_items(&At::root(process.compiled), "contracts").iter().map(|contract| {
        let stated = fit.copy("/definitions/Value", &contract.field("implementation/finalValue"));
        let paid = || {
            let transactions = items(&contract.value["implementation"]["transactions"]);
            total(&transactions.map(|transaction| transaction["value"].clone()).collect::<Vec<_>>())
        };
        stated.map_or_else(paid, Total::Value)
    }))
}

/// The documents of a process that are about the project, or those that are not.
pub(super) fn documents(compiled: &At<'_>, of_project: bool, fit: &mut Fit<'_>) -> Vec<Value> {
    let mut list = List::default();
    let mut add = |holder: &At<'_>, qualifier: &str, types: &[&str]| {
        for document in holder.items("documents") {
            let is = document.text("documentType").is_some_and(|kind| types.contains(&kind));
            if is == of_project
                && let Some(fitted) = fit.copy("/definitions/Document", &document)
            {
                list.add(fitted, qualifier);
            }
        }
    };
    add(&compiled.field("planning"), "planning", OF_PLANNING);
    add(&compiled.field("tender"), "tender", &[]);
    for award in compiled.items("awards") {
        add(&award, &award.id().unwrap_or_else(|| "award".to_owned()), &[]);
    }
    for contract in compiled.items("contracts") {
        let id = contract.id().unwrap_or_else(|| "contract".to_owned());
        add(&contract, &id, &[]);
        add(&contract.field("implementation"), &id, OF_IMPLEMENTATION);
    }
    list.items
}

fn title<'a>(compiled: &At<'a>) -> Option<At<'a>> {
    let only = |list: &[At<'a>]| match list {
        [one] => said(one.field("title")),
        _ => None,
    };
    let (awards, contracts) = (standing_items(compiled, "awards"), standing_items(compiled, "contracts"));
    let own = if contracts.len() > 1 { None } else { only(&contracts).or_else(|| only(&awards)) };
    own.or_else(|| said(compiled.field("tender/title"))).or_else(|| said(compiled.field("title")))
}

fn description<'a>(compiled: &At<'a>) -> Option<At<'a>> {
    let (awards, contracts) = (standing_items(compiled, "awards"), standing_items(compiled, "contracts"));
    // One description among several objects describes them all; two do not.
    let of = |list: &[At<'a>]| {
        let mut found = list.iter().filter_map(|one| said(one.field("description")));
        let first = found.next();
        first.filter(|_| found.next().is_none())
    };
    let of_items = |list: &[At<'a>]| of(&list.iter().flat_map(|one| one.items("items")).collect::<Vec<_>>());
    let of_tender =
        || said(compiled.field("tender/description")).or_else(|| of(&compiled.items("tender/items")));
    let found = if awards.len() > 1 || contracts.len() > 1 {
        of_tender()
    } else {
        let own = of(&contracts).or_else(|| of(&awards));
        own.or_else(|| of_items(&contracts)).or_else(|| of_items(&awards)).or_else(of_tender)
    };
    found.or_else(|| said(compiled.field("description")))
}

/// The awards or contracts that were not captured by mistake, and did not come to nothing.
fn standing_items<'a>(compiled: &At<'a>, list: &str) -> Vec<At<'a>> {
    let mut items = compiled.items(list);
    items.retain(|item| !status::is(item.value, &["cancelled", "unsuccessful"]));
    items
}

fn said(at: At<'_>) -> Option<At<'_>> {
    at.value.as_str().is_some_and(|text| !super::fit::is_blank(text)).then_some(at)
}

fn tender(
    process: &Process<'_>,
    parties: &Parties,
    members: &Members,
    fit: &mut Fit<'_>,
) -> Map<String, Value> {
    let tender = At::root(process.compiled).field("tender");
    let mut made = Map::new();
    for name in ["procurementMethod", "procurementMethodDetails"] {
        put(&mut made, name, fit.copy(&format!("{TENDER}/{name}"), &tender.field(name)));
    }
    put(&mut made, "datePublished", published(process, &tender, fit));
    put(&mut made, "costEstimate", cost_estimate(process, fit));
    let count = fit.copy(&format!("{TENDER}/numberOfTenderers"), &tender.field("numberOfTenderers"));
    put(&mut made, "numberOfTenderers", count);
    let mut tenderers = List::default();
    references(&tender, "tenderers", members, &mut tenderers, fit);
    put(&mut made, "tenderers", tenderers.items);
    // With several, which of them it is cannot be told.
    for (role, field) in [
        ("procuringEntity", "/summary/tender/procuringEntity"),
        ("administrativeEntity", "/summary/tender/administrativeEntity"),
    ] {
        let mut entities = parties.of_process(members, role).items;
        if entities.is_empty() {
            let named = fit.copy("/definitions/OrganizationReference", &tender.field(role));
            entities.extend(named.map(|mut entity| {
                members.rename(&mut entity);
                entity
            }));
        }
        match &entities[..] {
            [] => {}
            [entity] => put(&mut made, role, entity.clone()),
            _ => fit.several(field),
        }
    }
    made
}

/// The date of the notice of the tender, or of the first release of the tender.
fn published(process: &Process<'_>, tender: &At<'_>, fit: &mut Fit<'_>) -> Option<Value> {
    let place = format!("{TENDER}/datePublished");
    let notices = tender.items("documents");
    let notices = notices.iter().filter(|document| document.text("documentType") == Some("tenderNotice"));
    let dates = notices.map(|notice| notice.field("datePublished"));
    if let Some(first) = dates.filter(|at| date(at.value).is_some()).min_by_key(|at| date(at.value)) {
        return fit.copy(&place, &first);
    }
    let first = process.releases.iter().find(|release| items(&release["tag"]).any(|tag| tag == "tender"))?;
    date(&first["date"]).map(|_| first["date"].clone())
}

/// The last value of the tender while it was being planned.
fn cost_estimate(process: &Process<'_>, fit: &mut Fit<'_>) -> Option<Value> {
    let planned = |status: &Value| status == "planning" || status == "planned";
    let (mut status, mut estimate) = (&Value::Null, None);
    for release in &process.releases {
        let tender = &release["tender"];
        status = tender.get("status").unwrap_or(status);
        if planned(status) && tender.get("value").is_some() {
            estimate = Some(tender);
        }
    }
    let tender = &process.compiled["tender"];
    let tender = estimate.or_else(|| planned(&tender["status"]).then_some(tender))?;
    fit.copy("/definitions/Value", &At { value: &tender["value"], pointer: "/tender/value".to_owned() })
}

fn references(holder: &At<'_>, list: &str, members: &Members, found: &mut List, fit: &mut Fit<'_>) {
    for reference in holder.items(list) {
        if let Some(mut fitted) = fit.copy("/definitions/OrganizationReference", &reference) {
            members.rename(&mut fitted);
            found.lay(fitted);
        }
    }
}

/// The values of the awards that stand; where none has a value, what the contracts were worth at first.
fn contract_values(process: &Process<'_>, history: &History, fit: &mut Fit<'_>) -> Vec<Value> {
    let awards = standing_items(&At::root(process.compiled), "awards");
    let mut values: Vec<Value> =
        awards.iter().filter_map(|award| fit.copy("/definitions/Value", &award.field("value"))).collect();
    if values.is_empty() {
        for contract in standing(process.compiled) {
            let at = At { value: history.initial(contract, "value"), pointer: "/contracts".to_owned() };
            values.extend(fit.copy("/definitions/Value", &at));
        }
    }
    values
}

/// From the earliest start to the latest end that was agreed at first: of the awards that stand, else of the tender,
/// else of the contracts.
fn contract_period(process: &Process<'_>, history: &History, fit: &mut Fit<'_>) -> Option<Value> {
    let compiled = At::root(process.compiled);
    let awards = standing_items(&compiled, "awards");
    let periods: Vec<Value> = awards
        .iter()
        .filter_map(|award| fit.copy("/definitions/Period", &award.field("contractPeriod")))
        .collect();
    span(&periods)
        .or_else(|| fit.copy("/definitions/Period", &compiled.field("tender/contractPeriod")))
        .or_else(|| {
            let periods = standing(process.compiled).filter_map(|contract| {
                let at = At { value: history.initial(contract, "period"), pointer: "/contracts".to_owned() };
                fit.copy("/definitions/Period", &at)
            });
            span(&periods.collect::<Vec<_>>())
        })
}

/// From the earliest start to the latest end of some periods; one alone stays as it is.
pub(super) fn span(periods: &[Value]) -> Option<Value> {
    if let [one] = periods {
        return Some(one.clone());
    }
    let dates =
        |name: &'static str| periods.iter().map(move |period| &period[name]).filter(|at| date(at).is_some());
    let mut whole = Map::new();
    put(&mut whole, "startDate", dates("startDate").min_by_key(|at| date(at)).cloned());
    put(&mut whole, "endDate", dates("endDate").max_by_key(|at| date(at)).cloned());
    (!whole.is_empty()).then_some(Value::Object(whole))
}

fn transactions(compiled: &At<'_>, members: &Members, fit: &mut Fit<'_>) -> Vec<Value> {
    let mut list = List::default();
    for contract in compiled.items("contracts") {
        let id = contract.id().unwrap_or_else(|| "contract".to_owned());
        for transaction in contract.items("implementation/transactions") {
            let Some(mut fitted) = fit.copy("/definitions/Transaction", &transaction) else { continue };
            for name in ["payer", "payee"] {
                if let Some(organization) = fitted.get_mut(name) {
                    members.rename(organization);
                }
            }
            list.add(fitted, &id);
        }
    }
    list.items
}

fn milestones(compiled: &At<'_>, fit: &mut Fit<'_>) -> Vec<Value> {
    let mut list = List::default();
    let mut add = |milestones: Vec<At<'_>>, qualifier: &str| {
        for milestone in milestones {
            if let Some(fitted) = fit.copy("/definitions/Milestone", &milestone) {
                list.add(fitted, qualifier);
            }
        }
    };
    add(compiled.items("tender/milestones"), "tender");
    for contract in compiled.items("contracts") {
        let id = contract.id().unwrap_or_else(|| "contract".to_owned());
        add(contract.items("milestones"), &id);
        add(contract.items("implementation/milestones"), &id);
    }
    list.items
}

/// Links to the releases, oldest first. A link needs an address.
fn releases(process: &Process<'_>, context: &Context<'_>, left_out: &mut Vec<LeftOut>) -> Vec<Value> {
    let origin = Origin::Process(process.ocid.clone());
    let mut list = List::default();
    let mut without = 0;
    let all = process.releases.iter().chain(&process.linked);
    for release in all {
        let url = release["url"].as_str().map(str::to_owned);
        // The address of a linked release ends in its id (OCDS, "Linked releases").
        let named = || Some(json!(url.as_deref()?.split_once('#')?.1));
        let id = id_text(release.get("id").or(named().as_ref())).map(Cow::into_owned).unwrap_or_default();
        let Some(url) = url.or_else(|| Some(context.release_url?(&process.ocid, &id))) else {
            without += 1;
            continue;
        };
        let link = json!({"id": id, "tag": release["tag"], "date": release["date"], "url": url});
        let at = At { value: &link, pointer: "/releases".to_owned() };
        if let Some(fitted) = Fit::new(&origin, left_out).copy("/definitions/LinkedRelease", &at) {
            list.lay(fitted);
        }
    }
    if without > 0 {
        left_out.push(LeftOut::Releases { ocid: process.ocid.clone(), count: without });
    }
    list.items.sort_by_key(|release| date(&release["date"]));
    list.items
}
