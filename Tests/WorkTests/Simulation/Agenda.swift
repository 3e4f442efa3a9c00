/// What is to happen, earliest first; what is due at one instant, in the order in which it was added. A binary heap.
struct Agenda {
  struct Event {
    var time: Int
    var order: Int
    var name: StaticString
    /// Only while this process lives.
    var worker: Int?
    var act: Simulation.Act

    func isBefore(_ other: Event) -> Bool { time != other.time ? time < other.time : order < other.order }
  }

  private var events: [Event] = []
  private var count = 0

  mutating func add(at time: Int, _ name: StaticString, _ worker: Int?, _ act: @escaping Simulation.Act) {
    count += 1
    events.append(Event(time: time, order: count, name: name, worker: worker, act: act))
    var child = events.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard events[child].isBefore(events[parent]) else { break }
      events.swapAt(child, parent)
      child = parent
    }
  }

  mutating func next() -> Event? {
    guard !events.isEmpty else { return nil }
    events.swapAt(0, events.count - 1)
    let first = events.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in 2 * parent + 1...2 * parent + 2 where child < events.count {
        if events[child].isBefore(events[least]) { least = child }
      }
      guard least != parent else { break }
      events.swapAt(least, parent)
      parent = least
    }
    return first
  }
}
