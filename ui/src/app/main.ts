import { mount } from "svelte";
import "../styles/font.css";
import "../styles/tokens.css";
import "../styles/base.css";
import { httpHost } from "../lib/host/http";
import { tauriHost } from "../lib/host/tauri";
import { startTheme } from "../lib/theme.svelte";
import App from "./App.svelte";

startTheme();
const target = document.getElementById("app");
if (target) mount(App, { target, props: { host: "__TAURI_INTERNALS__" in window ? tauriHost() : httpHost() } });
