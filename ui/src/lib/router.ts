/** Addresses of the screens: what is after `#`. */
export type Route =
  | { screen: "tray" }
  | { screen: "projects" }
  | { screen: "project"; folio: string }
  | { screen: "followUp"; id: string }
  | { screen: "bulk" }
  | { screen: "status" }
  | { screen: "devices" }
  | { screen: "review" }
  | { screen: "help" }
  | { screen: "profile" };

export type Screen = Route["screen"];

/** Reads an address; one that names nothing is the tray. */
export function parse(hash: string): Route {
  const [head = "", tail] = hash.replace(/^#\/?/, "").split("/", 2);
  const rest = tail === undefined ? "" : decode(tail);
  switch (head) {
    case "proyectos":
      return rest ? { screen: "project", folio: rest } : { screen: "projects" };
    case "seguimiento":
      return rest ? { screen: "followUp", id: rest } : { screen: "tray" };
    case "captura-masiva":
      return { screen: "bulk" };
    case "envio":
      return { screen: "status" };
    case "equipos":
      return { screen: "devices" };
    case "revision":
      return { screen: "review" };
    case "ayuda":
      return { screen: "help" };
    case "perfil":
      return { screen: "profile" };
    default:
      return { screen: "tray" };
  }
}

/** The address of a screen. */
export function href(route: Route): string {
  switch (route.screen) {
    case "tray":
      return "#/bandeja";
    case "projects":
      return "#/proyectos";
    case "project":
      return `#/proyectos/${encodeURIComponent(route.folio)}`;
    case "followUp":
      return `#/seguimiento/${encodeURIComponent(route.id)}`;
    case "bulk":
      return "#/captura-masiva";
    case "status":
      return "#/envio";
    case "devices":
      return "#/equipos";
    case "review":
      return "#/revision";
    case "help":
      return "#/ayuda";
    case "profile":
      return "#/perfil";
  }
}

export function go(route: Route): void {
  location.hash = href(route);
}

/** Calls back now and at each change. */
export function follow(callback: (route: Route) => void): () => void {
  const tell = () => callback(parse(location.hash));
  window.addEventListener("hashchange", tell);
  tell();
  return () => window.removeEventListener("hashchange", tell);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
