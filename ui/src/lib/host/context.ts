import { getContext, setContext } from "svelte";
import type { Host } from "./types";

const KEY = Symbol("host");

export const provideHost = (host: Host): Host => setContext(KEY, host);
export const useHost = (): Host => getContext<Host>(KEY);
