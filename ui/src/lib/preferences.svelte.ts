/** What the window remembers about its own frame. */

const sidebarName = "megarouter.sidebar";
const letterKeysName = "megarouter.letter-keys";

class Preferences {
  /** The sidebar shows icons only. */
  isSidebarCollapsed = $state(localStorage.getItem(sidebarName) === "collapsed");
  /** Single letters and chords work as shortcuts (WCAG 2.1.4 asks for the switch). */
  letterKeysAreOn = $state(localStorage.getItem(letterKeysName) !== "off");

  toggleSidebar(): void {
    this.isSidebarCollapsed = !this.isSidebarCollapsed;
    localStorage.setItem(sidebarName, this.isSidebarCollapsed ? "collapsed" : "open");
  }

  setLetterKeys(areOn: boolean): void {
    this.letterKeysAreOn = areOn;
    localStorage.setItem(letterKeysName, areOn ? "on" : "off");
  }
}

export const preferences = new Preferences();
