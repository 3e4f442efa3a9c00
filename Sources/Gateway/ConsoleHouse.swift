import Hummingbird

/// The console of one gateway, put together: doors that are open to everybody, and behind the other one pages and forms.
struct ConsoleHouse: Sendable {
  let keys: KeyRing
  let frame: ConsoleFrame
  let sources: ConsoleSources
  let events: ConsoleEvents

  func add(to router: Router<GatewayContext>) {
    let sessions = ConsoleSessions(desk: sources.desk)
    ConsoleSignIn(keys: keys, sessions: sessions, fleet: frame.fleet).add(to: router)
    let visitors = router.group().add(middleware: ConsoleDoor(keys: keys, sessions: sessions, frame: frame))
    let pages = ConsolePages(frame: frame, sources: sources, events: events)
    pages.add(to: visitors)
    let acts = ConsoleActs(frame: frame, sources: sources, pages: pages)
    acts.add(to: visitors)
    ConsolePlans(frame: frame, sources: sources, acts: acts).add(to: visitors)
  }
}
