import type { Component } from "svelte";
import Devices from "../panel/screens/Devices.svelte";
import Review from "../panel/screens/Review.svelte";
import type { Key } from "../lib/i18n/index.svelte";
import type { Route, Screen } from "../lib/router";
import type { IconName } from "../lib/ui/icons";
import Bulk from "./screens/Bulk.svelte";
import FollowUp from "./screens/FollowUp.svelte";
import Help from "./screens/Help.svelte";
import Profile from "./screens/Profile.svelte";
import Project from "./screens/Project.svelte";
import Projects from "./screens/Projects.svelte";
import Sending from "./screens/Sending.svelte";
import Tray from "./screens/Tray.svelte";
import type { Ready, Session } from "./session.svelte";

export interface ScreenProps {
  session: Session;
  me: Ready;
  route: Route;
}

export const screens: Record<Screen, Component<ScreenProps>> = {
  tray: Tray,
  projects: Projects,
  project: Project,
  followUp: FollowUp,
  bulk: Bulk,
  status: Sending,
  devices: Devices,
  review: Review,
  help: Help,
  profile: Profile,
};

export interface Entry {
  nav: "tray" | "projects" | "status" | "review" | "devices" | "help";
  label: Key;
  icon: IconName;
}

export const navigation: readonly Entry[] = [
  { nav: "tray", label: "nav.tray", icon: "tray" },
  { nav: "projects", label: "nav.projects", icon: "folder" },
  { nav: "status", label: "nav.status", icon: "send" },
  { nav: "review", label: "nav.review", icon: "speech" },
  { nav: "devices", label: "nav.devices", icon: "devices" },
  { nav: "help", label: "nav.help", icon: "help" },
];

/** Which entry of the navigation a screen belongs to; one that is in the menu of the person belongs to none. */
export function entryOf(screen: Screen): Entry["nav"] | null {
  if (screen === "profile") return null;
  if (screen === "project" || screen === "followUp" || screen === "bulk") return "projects";
  return screen;
}

export const maySeeDevices = (me: Ready): boolean =>
  ["coordinacion", "administracion", "auditoria"].includes(me.person.role);

export const mayReview = (me: Ready): boolean => ["coordinacion", "administracion"].includes(me.person.role);

/** The entries that a person has. */
export const entriesOf = (me: Ready): readonly Entry[] =>
  navigation.filter(
    (entry) => (entry.nav !== "devices" || maySeeDevices(me)) && (entry.nav !== "review" || mayReview(me)),
  );
