//! The real window under Xvfb: enrol, capture with the keyboard while the central endpoint is stopped, see *Recibido*.

use std::time::Duration;

use fantoccini::key::Key;
use journeys::window::Window;
use journeys::{CANARY, Central, project_list, wait_until};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follow_up_is_captured_with_the_keyboard_in_the_real_window() {
    let folder = tempfile::tempdir().unwrap();
    let mut central = Central::new(&folder.path().join("central"));
    std::fs::create_dir_all(&central.data).unwrap();
    let (list, count) = project_list();
    central.ok(&["load", list.to_str().unwrap()]);
    central.start();
    let code = central.code("Persona de muestra", "campo", "Campo de muestra", true);

    let window = Window::open(&folder.path().join("equipo"), &folder.path().join("casa")).await.unwrap();
    window.type_into("input[name=server]", &central.url()).await.unwrap();
    window.type_into("input[name=code]", &code.to_lowercase()).await.unwrap();
    window.picture("ventana-1-activar").await.unwrap();
    window.press(&String::from(char::from(Key::Enter))).await.unwrap();

    // The projects are there.
    window.find("[data-nav=projects]").await.unwrap().click().await.unwrap();
    window.find("[data-folio=d1_p1]").await.unwrap();
    let rows = window.page.find_all(fantoccini::Locator::Css("[data-folio]")).await.unwrap();
    assert_eq!(rows.len(), count);
    window.picture("ventana-2-proyectos").await.unwrap();

    // The central endpoint stops; the window goes on.
    central.kill();
    window.go("#/proyectos/d1_p1").await.unwrap();
    window.find("[data-action=new-follow-up]").await.unwrap();
    window.control("n").await.unwrap();
    window.find("[data-stage=implementation]").await.unwrap().click().await.unwrap();
    let visited = window.find("input[name=visitedOn]").await.unwrap();
    visited.click().await.unwrap();
    // Enter moves on and never submits: the common case needs nothing else.
    for text in ["12/03/2026", "40", "35,5", "30"] {
        window.press(text).await.unwrap();
        window.press(&String::from(char::from(Key::Enter))).await.unwrap();
    }
    window.press("900").await.unwrap();
    // What is wrong is said beside its field while typing.
    window.find("[data-field=financialActual] [data-rule]").await.unwrap();
    window.picture("ventana-3-hallazgo").await.unwrap();
    for _ in 0..3 {
        window.press(&String::from(char::from(Key::Backspace))).await.unwrap();
    }
    window.press("20").await.unwrap();
    window.gone("[data-field=financialActual] [data-rule]").await.unwrap();
    window.type_into("textarea[name=notes]", &format!("Nota interna {CANARY}")).await.unwrap();
    window.find("[data-saving=saved]").await.unwrap();
    window.picture("ventana-4-captura").await.unwrap();
    window.control(char::from(Key::Enter).to_string().as_str()).await.unwrap();
    window.find("[data-state=ready]").await.unwrap();
    window.picture("ventana-5-listo-sin-red").await.unwrap();

    // It returns; the window sends by itself.
    central.start();
    window.go("#/bandeja").await.unwrap();
    window.find("[data-state=received], [data-state=accepted], [data-state=published]").await.unwrap();
    window.picture("ventana-6-recibido").await.unwrap();
    window.find("[data-state=published]").await.unwrap();
    window.picture("ventana-7-publicado").await.unwrap();
    wait_until("the page of the project shows it", Duration::from_secs(10), || {
        std::fs::read_to_string(central.public("proyectos/d1_p1/index.html"))
            .is_ok_and(|page| page.contains("35.5 %"))
    });
    let status: Value = serde_json::from_str(&central.ok(&["status", "--json"])).unwrap();
    assert_eq!(status["followUps"], serde_json::json!({"published": 1}));
    window.close().await.unwrap();
}
