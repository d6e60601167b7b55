import type { map as es } from "./es-map";

export const map: Record<keyof typeof es, string> = {
  "projects.view": "Show the projects as",
  "projects.view.list": "List",
  "projects.view.map": "Map",
  "map.projects": "Map of the projects",
  "map.points": "The same projects, as a list",
  "map.without.one": "{n} project does not say yet where it is.",
  "map.without.other": "{n} projects do not say yet where they are.",
  "map.nothing.title": "No project says yet where it is",
  "map.nothing.text":
    "Capture a follow-up and fill the part “Place”: it will appear here, with or without a connection.",
  "map.noTiles": "No map of streets on this equipment: the points, the scale and the colonias are shown.",
  "map.zoomIn": "Zoom in",
  "map.zoomOut": "Zoom out",
  "map.failed": "The map could not be shown. The list has the same places.",
  "place.show": "Find on the map",
  "place.hide": "Close the map",
  "place.map": "Map to place the works. With the keyboard: arrows move it, Enter marks its middle.",
  "place.hint":
    "Click on the map where the works are; with the keyboard, move the map with the arrows and press Enter.",
  "place.colonia": "By colonia",
  "place.colonia.choose": "Choose a colonia…",
  "place.use": "Use {place}",
  "place.picked": "Place marked: {place}.",
  "place.method.typed": "Typed",
  "place.method.map": "On the map",
  "place.method.colonia": "By colonia (middle of its projects)",
  "place.method.photo": "From a photograph",
  "kind.place": "Coordinates: 25.6579, -100.4023 or 25°39'28\" N 100°24'08\" W. Latitude first.",
  "kind.method": "The screen writes it down.",
  "problem.map_unreadable":
    "The file of the map could not be read ({detail}). The map is shown without streets and the rest works as ever; ask the administration for a new file.",
  "rule.place-format": "“{value}” cannot be read as coordinates. Type latitude and longitude, like 25.6579, -100.4023.",
  "rule.place-swapped":
    "In “{value}” latitude and longitude seem to be the wrong way round. Perhaps it is {proposed}. Check them.",
  "rule.place-outside": "{value} is outside of the municipality. Check that it is the place of the works.",
};
