// The adoption of releases over time, for a single mobile or desktop project.

import { changes, get } from "../lib/api.js";
import { panel } from "../charts/chart.js";
import { h, setText } from "../lib/dom.js";
import { count, fraction, withoutPackage } from "../lib/format.js";
import { lineChart, lineLegend } from "../charts/line-chart.js";
import { isApplication } from "../lib/platforms.js";
import { address, go, intervals } from "../lib/state.js";

const top = 8;

/** Removes the leading zeros of a series, except for the one from which its line rises. */
const fromFirst = (values) => {
  const first = values.findIndex((value) => value > 0);
  return values.map((value, at) => (at < first - 1 ? null : value));
};

export function adoptionPanel(world) {
  let place;
  const toRelease = (version) => ({ ...place, view: "release", version });
  const chart = lineChart({
    label: "Adoption over time", height: 200, hasNames: true, ceiling: 1, tick: (value) => `${Math.round(value * 100)}%`,
    choose: (version) => go(toRelease(version)),
  });
  const legend = h("div", {});
  const isNew = changes();
  let written = "";
  const element = panel("Adoption", "Share of each release", chart.element, legend);
  const note = element.querySelector(".note");
  element.hidden = true;
  return {
    element,
    async update(fresh, { signal } = {}) {
      place = fresh;
      const [project, ...others] = world.selected(place);
      // An environment that the project does not have has no adoption.
      const isKnown = !place.environment || project?.environments.includes(place.environment);
      if (!project || others.length || !isKnown || !isApplication(project.platform)) {
        element.hidden = true;
        return;
      }
      const { data } = await get(`organizations/${world.organization}/adoption/`, {
        project: project.id, environment: place.environment, statsPeriod: place.statsPeriod,
        interval: intervals[place.statsPeriod], by: place.display, top,
      }, { signal });
      element.hidden = !data.total.count;
      setText(note, `Share of each release, of all ${place.display} of the project${place.environment && ` in ${place.environment}`}`);
      if (element.hidden || !isNew(data, address(place))) return;
      // The package is omitted if all releases have the same.
      const packages = new Set(data.releases.map(({ release }) => release.slice(0, -withoutPackage(release).length)));
      const series = data.releases.map(({ release, series }) => ({
        id: release, name: packages.size === 1 ? withoutPackage(release) : release, values: fromFirst(series.share), href: address(toRelease(release)),
        text: (at) => `${fraction(series.share[at], 1)} (${count(series.count[at])})`,
      }));
      chart.update({ times: data.intervals.map((text) => new Date(text)), series },
        data.releases.map(({ release, share }) => `${release} ${fraction(share, 1)}`).join(", "));
      const links = JSON.stringify(series.map(({ name, href }) => [name, href]));
      if (links !== written) legend.replaceChildren(lineLegend(series));
      written = links;
    },
  };
}
