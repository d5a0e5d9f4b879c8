// Tab, network and window come and go: nothing that was said is lost by it.

/** Watch them for a page with an outbox and a session. */
export function watchComings({ outbox, session, blink, back }) {
  addEventListener("online", () => outbox.hurry());
  addEventListener("blur", () => blink(false));
  addEventListener("pagehide", () => {
    outbox.flush({ keepalive: true });
    session.release();
  });
  addEventListener("pageshow", (event) => event.persisted && session.keepLeases());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      outbox.flush({ keepalive: true });
    } else {
      back();
    }
  });
}
