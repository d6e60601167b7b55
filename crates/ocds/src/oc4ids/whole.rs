//! The fields of a project that its processes say.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::fit::{At, Fit, List, put};
use super::parties::{Members, Parties};
use super::process::{contracting_process, documents, final_values, span, sum};
use super::status::{self, date, is_completed, standing};
use super::total::{Total, total, whole};
use super::{Context, LeftOut, Origin, Process};
use crate::tag::items;
use crate::value::id_text;

/// OC4IDS codelist `projectSector`. A code with a point is a part of another.
const SECTORS: &[&str] = &[
    "education",
    "health",
    "energy",
    "energy.solar",
    "energy.wind",
    "energy.hydropower",
    "energy.biomass",
    "energy.geothermal",
    "communications",
    "waterAndWaste",
    "governance",
    "economy",
    "cultureSportsAndRecreation",
    "transport",
    "transport.air",
    "transport.water",
    "transport.rail",
    "transport.road",
    "transport.urban",
    "transport.lowCarbon",
    "socialHousing",
    "naturalResources",
    "naturalResources.floodProtection",
];

/// Texts of a project: the field, its name, and where a process says it: the first place where any does.
const TEXTS: &[(&str, &str, &[&str])] = &[
    ("/language", "language", &["language"]),
    ("/title", "title", &["planning/project/title", "tender/title", "title"]),
    ("/description", "description", &["planning/project/description", "tender/description", "description"]),
    ("/purpose", "purpose", &["planning/rationale"]),
];

/// Everything about a project that follows from its processes, except what it is called.
pub(super) fn derive(
    processes: &[Process<'_>],
    context: &Context<'_>,
    left_out: &mut Vec<LeftOut>,
) -> Map<String, Value> {
    let mut parties = Parties::default();
    let members: Vec<Members> = processes.iter().map(|process| parties.add(process, left_out)).collect();
    let mut project = Map::new();

    let updated = processes.iter().map(|process| &process.compiled["date"]);
    put(&mut project, "updated", updated.filter(|at| date(at).is_some()).max_by_key(|at| date(at)).cloned());
    for (field, name, places) in TEXTS {
        put(&mut project, name, text(field, places, processes, left_out));
    }
    match &parties.with_role("publicAuthority")[..] {
        [] => {}
        [one] => put(&mut project, "publicAuthority", one.clone()),
        _ => Fit::new(&Origin::Project, left_out).several("/publicAuthority"),
    }
    put(&mut project, "status", status::of_project(processes, context.now));
    classifications(processes, &mut project, left_out);
    put(&mut project, "budget", budget(processes, &members, left_out));
    put(&mut project, "locations", locations(processes, left_out));
    put(&mut project, "forecasts", metrics(processes, FORECASTS, left_out));
    put(&mut project, "metrics", metrics(processes, MEASURED, left_out));

    let (mut milestones, mut papers) = (List::default(), List::default());
    for process in processes {
        let origin = Origin::Process(process.ocid.clone());
        let (compiled, mut fit) = (At::root(process.compiled), Fit::new(&origin, left_out));
        for milestone in compiled.items("planning/milestones") {
            if let Some(fitted) = fit.copy("/definitions/Milestone", &milestone) {
                milestones.add(fitted, &process.ocid);
            }
        }
        documents(&compiled, true, &mut fit).into_iter().for_each(|one| papers.add(one, &process.ocid));
    }
    put(&mut project, "milestones", milestones.items);
    put(&mut project, "documents", papers.items);

    let made = processes.iter().zip(&members);
    let made: Vec<Value> = made
        .map(|(process, members)| contracting_process(process, &parties, members, context, left_out))
        .collect();
    let periods = made.iter().map(|one| one["summary"]["contractPeriod"].clone()).filter(Value::is_object);
    put(&mut project, "period", span(&periods.collect::<Vec<_>>()));
    if is_completed(processes, context.now) {
        put(&mut project, "completion", completion(processes, context, left_out));
    }
    put(&mut project, "parties", parties.list);
    put(&mut project, "contractingProcesses", made);
    project
}

/// What the first process says that says anything; others that say something else are told of.
fn text(
    field: &'static str,
    places: &[&str],
    processes: &[Process<'_>],
    left_out: &mut Vec<LeftOut>,
) -> Option<Value> {
    for place in places {
        let mut first: Option<Value> = None;
        for process in processes {
            let origin = Origin::Process(process.ocid.clone());
            let at = At::root(process.compiled).field(place);
            let said = Fit::new(&origin, left_out).copy("/properties/title", &at);
            match (&first, said) {
                (None, said) => first = said,
                (Some(first), Some(said)) if *first != said => {
                    left_out.push(LeftOut::Different { ocid: process.ocid.clone(), field });
                }
                _ => {}
            }
        }
        if first.is_some() {
            return first;
        }
    }
    None
}

fn classifications(processes: &[Process<'_>], project: &mut Map<String, Value>, left_out: &mut Vec<LeftOut>) {
    let (mut sectors, mut others): (Vec<Value>, _) = (Vec::new(), List::default());
    for process in processes {
        let origin = Origin::Process(process.ocid.clone());
        let (said, mut fit) =
            (At::root(process.compiled).field("planning/project"), Fit::new(&origin, left_out));
        let sector = fit.copy("/definitions/Classification", &said.field("sector"));
        let code =
            sector.as_ref().and_then(|sector| sector["id"].as_str()).filter(|code| SECTORS.contains(code));
        let parent = code.and_then(|code| Some(code.split_once('.')?.0));
        for code in parent.into_iter().chain(code).map(Value::from) {
            if !sectors.contains(&code) {
                sectors.push(code);
            }
        }
        sector.into_iter().for_each(|sector| others.lay(sector));
        for classification in said.items("additionalClassifications") {
            fit.copy("/definitions/Classification", &classification)
                .into_iter()
                .for_each(|one| others.lay(one));
        }
    }
    put(project, "sector", sectors);
    put(project, "additionalClassifications", others.items);
}

fn budget(processes: &[Process<'_>], members: &[Members], left_out: &mut Vec<LeftOut>) -> Map<String, Value> {
    let mut budget = Map::new();
    let (mut amounts, mut totals, mut groups) = (Vec::new(), Vec::new(), List::default());
    for (process, members) in processes.iter().zip(members) {
        let origin = Origin::Process(process.ocid.clone());
        let (compiled, mut fit) = (At::root(process.compiled), Fit::new(&origin, left_out));
        let planned = compiled.field("planning/budget");
        amounts.extend(fit.copy("/definitions/Value", &planned.field("amount")));
        totals.extend(fit.copy("/definitions/Value", &compiled.field("planning/project/totalValue")));
        let mut parts = List::default();
        for part in planned.items("budgetBreakdown") {
            let Some(mut fitted) = fit.copy("/definitions/BudgetBreakdown", &part) else { continue };
            if let Some(source) = fitted.get_mut("sourceParty") {
                members.rename(source);
            }
            parts.lay(fitted);
        }
        if !parts.items.is_empty() {
            groups.lay(json!({"id": process.ocid, "budgetBreakdown": parts.items}));
        }
    }
    put(
        &mut budget,
        "description",
        text("/budget/description", &["planning/budget/description"], processes, left_out),
    );
    // The project's own total, which each of its processes repeats, where no process has a budget.
    let amount = match (total(&amounts), totals.first()) {
        (Total::Nothing, Some(first)) if totals.iter().all(|one| one == first) => Total::Value(first.clone()),
        (Total::Nothing, Some(_)) => Total::NoSum,
        (amount, _) => amount,
    };
    put(&mut budget, "amount", sum("/budget/amount", amount, &Origin::Project, left_out));
    let approvals = processes.iter().flat_map(|process| items(&process.compiled["planning"]["milestones"]));
    let approvals = approvals.filter(|milestone| milestone["type"] == "approval").map(|one| &one["dateMet"]);
    let approval = approvals.filter(|at| date(at).is_some()).max_by_key(|at| date(at));
    put(&mut budget, "approvalDate", approval.cloned());
    put(&mut budget, "budgetBreakdowns", groups.items);
    budget
}

/// The places of the project; where there are none, where the items go: of the tender, else of the awards, else of
/// the contracts.
fn locations(processes: &[Process<'_>], left_out: &mut Vec<LeftOut>) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for process in processes {
        let origin = Origin::Process(process.ocid.clone());
        for place in At::root(process.compiled).items("planning/project/locations") {
            found.extend(location(place.value.clone(), &place.pointer, &mut Fit::new(&origin, left_out)));
        }
    }
    for section in ["tender", "awards", "contracts"] {
        if !found.is_empty() {
            break;
        }
        for process in processes {
            let origin = Origin::Process(process.ocid.clone());
            let compiled = At::root(process.compiled);
            let holders =
                if section == "tender" { vec![compiled.field(section)] } else { compiled.items(section) };
            for item in holders.iter().flat_map(|holder| holder.items("items")) {
                let (place, address) = (&item.value["deliveryLocation"], &item.value["deliveryAddress"]);
                let mut whole = place.as_object().cloned().unwrap_or_default();
                put(&mut whole, "address", address.clone());
                let mut fit = Fit::new(&origin, left_out);
                found.extend(location(Value::Object(whole), &item.pointer, &mut fit));
            }
        }
    }
    // Several items, or processes, are for the same place; and places of OCDS have no id.
    let (mut list, mut known) = (List::default(), HashSet::new());
    for mut place in found {
        let id = std::mem::take(&mut place["id"]);
        if known.insert(place.to_string()) {
            let id = if id == "" { json!((list.items.len() + 1).to_string()) } else { id };
            place["id"] = id;
            list.add(place, "location");
        }
    }
    list.items
}

fn location(mut place: Value, pointer: &str, fit: &mut Fit<'_>) -> Option<Value> {
    let fields = place.as_object_mut().filter(|fields| !fields.is_empty())?;
    let own = id_text(fields.get("id")).map(Cow::into_owned).unwrap_or_default();
    fields.insert("id".to_owned(), json!("-"));
    let mut fitted = fit.copy("/definitions/Location", &At { value: &place, pointer: pointer.to_owned() })?;
    fitted["id"] = json!(own);
    // An id alone is no place.
    (fitted.as_object()?.len() > 1).then_some(fitted)
}

/// Where metrics are, in a process and in a contract of it.
type Places = (&'static [&'static str], &'static str);
const FORECASTS: Places = (&["planning/forecasts"], "agreedMetrics");
const MEASURED: Places = (&[], "implementation/metrics");

/// Metrics of the contracts that stand, and of the process. What two contracts measure is not one series: the metric
/// of the second gets the id of its contract before its own.
fn metrics(processes: &[Process<'_>], places: Places, left_out: &mut Vec<LeftOut>) -> Vec<Value> {
    let mut list = List::default();
    for process in processes {
        let origin = Origin::Process(process.ocid.clone());
        let (compiled, mut fit) = (At::root(process.compiled), Fit::new(&origin, left_out));
        let mut add = |metrics: Vec<At<'_>>, qualifier: &str| {
            for metric in metrics {
                if let Some(fitted) = fit.copy("/definitions/Metric", &metric) {
                    list.add(fitted, qualifier);
                }
            }
        };
        for contract in compiled.items("contracts") {
            if !status::is(contract.value, &["cancelled"]) {
                add(contract.items(places.1), &contract.id().unwrap_or_else(|| "contract".to_owned()));
            }
        }
        places.0.iter().for_each(|place| add(compiled.items(place), &process.ocid));
    }
    list.items
}

fn completion(
    processes: &[Process<'_>],
    context: &Context<'_>,
    left_out: &mut Vec<LeftOut>,
) -> Map<String, Value> {
    let mut made = Map::new();
    let contracts = || processes.iter().flat_map(|process| standing(process.compiled));
    let end = |contract: &'_ Value| -> Option<Value> {
        let stated = &contract["implementation"]["endDate"];
        let end = if date(stated).is_some() { stated } else { &contract["period"]["endDate"] };
        date(end).filter(|end| *end <= context.now).map(|_| end.clone())
    };
    put(&mut made, "endDate", contracts().filter_map(end).max_by_key(date));
    let with_contracts = processes.iter().filter(|process| standing(process.compiled).next().is_some());
    let finals = with_contracts.map(|process| {
        // What is wrong with these values was told with the summaries.
        final_values(process, &mut Fit::new(&Origin::Project, &mut Vec::new()))
    });
    let finals = whole(finals);
    put(&mut made, "finalValue", sum("/completion/finalValue", finals, &Origin::Project, left_out));
    for name in ["endDateDetails", "finalValueDetails"] {
        let mut texts: Vec<&str> = Vec::new();
        for text in contracts().filter_map(|contract| contract["implementation"][name].as_str()) {
            if !super::fit::is_blank(text) && !texts.contains(&text) {
                texts.push(text);
            }
        }
        put(&mut made, name, texts.join("\n"));
    }
    made
}
