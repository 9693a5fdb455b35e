/** What the window remembers about its own frame. */

const sidebarName = "megarouter.sidebar";
const letterKeysName = "megarouter.letter-keys";
const firstRunName = "megarouter.first-run";

/** Below this width the icons alone leave enough room for the screen. */
const narrowWindow = 960;

function startsCollapsed(): boolean {
  const remembered = localStorage.getItem(sidebarName);
  return remembered === null ? innerWidth <= narrowWindow : remembered === "collapsed";
}

class Preferences {
  /** The sidebar shows icons only. */
  isSidebarCollapsed = $state(startsCollapsed());
  /** Single letters and chords work as shortcuts (WCAG 2.1.4 asks for the switch). */
  letterKeysAreOn = $state(localStorage.getItem(letterKeysName) !== "off");
  /** The first run was shown in this window's profile; it is not forced on anybody twice. */
  hasSeenFirstRun = $state(localStorage.getItem(firstRunName) === "seen");

  toggleSidebar(): void {
    this.isSidebarCollapsed = !this.isSidebarCollapsed;
    localStorage.setItem(sidebarName, this.isSidebarCollapsed ? "collapsed" : "open");
  }

  markFirstRunSeen(): void {
    this.hasSeenFirstRun = true;
    localStorage.setItem(firstRunName, "seen");
  }

  setLetterKeys(areOn: boolean): void {
    this.letterKeysAreOn = areOn;
    localStorage.setItem(letterKeysName, areOn ? "on" : "off");
  }
}

export const preferences = new Preferences();
