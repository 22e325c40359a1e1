/** Light or dark: as the system has it, until the user says otherwise. */
const KEPT = "cryoloom-theme";

const kept = localStorage.getItem(KEPT);
if (kept) document.documentElement.dataset.theme = kept;

export function changeTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem(KEPT, root.dataset.theme);
  dispatchEvent(new Event("theme"));
}
