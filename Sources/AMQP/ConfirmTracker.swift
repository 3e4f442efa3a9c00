/// The publications of one channel the broker has not answered yet. It numbers them 1, 2, 3, ... from `confirm.select`
/// on, and so does this; an answer names one number, or with `multiple` every number up to one. A value without I/O.
///
/// A `basic.return` names no number. It comes before the answer of its publication, and it carries exchange, routing
/// key and message id. So it marks every unanswered mandatory publication with those three. With message ids of their
/// own (which callers are told to give) that is exactly one. Without, publications with one routing may be marked
/// together although only some of them were returned: that errs towards publishing twice, never towards calling lost
/// ones confirmed.
struct ConfirmTracker<Ticket> {
  enum Answer: Equatable {
    case confirmed
    case returned(code: Int, text: String)
    case nacked
  }

  private struct Slot {
    /// nil once answered.
    var ticket: Ticket?
    var bytes: Int
    /// Of a mandatory publication; 0 otherwise.
    var routing: Int
    var returned: (code: Int, text: String)?
  }

  private var slots: [Slot] = []
  /// Number of the publication in `slots[0]`.
  private var first: UInt64 = 1
  /// How much of the front of `slots` is answered; cut off in large pieces.
  private var answered = 0
  private(set) var count = 0
  /// Bytes of the unanswered bodies.
  private(set) var bytes = 0

  /// What a return is matched by, as a hash; two that collide are marked together, which errs on the safe side.
  static func routing(exchange: String, routingKey: String, messageId: String?) -> Int {
    var hasher = Hasher()
    hasher.combine(exchange)
    hasher.combine(routingKey)
    hasher.combine(messageId)
    return hasher.finalize() | 1
  }

  mutating func published(_ ticket: Ticket, _ publication: AMQPPublication) {
    let routing =
      publication.mandatory
      ? Self.routing(
        exchange: publication.exchange, routingKey: publication.routingKey, messageId: publication.properties.messageId)
      : 0
    slots.append(Slot(ticket: ticket, bytes: publication.body.count, routing: routing))
    count += 1
    bytes += publication.body.count
  }

  mutating func returned(routing: Int, code: Int, text: String) {
    for index in answered..<slots.count where slots[index].routing == routing && slots[index].ticket != nil {
      slots[index].returned = (code, text)
    }
  }

  /// Hands each publication the answer settles to `resolve`, in order. Numbers nobody waits for are ignored.
  mutating func answer(tag: UInt64, multiple: Bool, ack: Bool, _ resolve: (Ticket, Answer) -> Void) {
    guard tag >= first else { return }
    let last = Int(min(tag - first, UInt64(slots.count)))
    if multiple {
      for index in answered..<max(answered, min(last + 1, slots.count)) { resolveSlot(index, ack, resolve) }
    } else if last < slots.count {
      resolveSlot(last, ack, resolve)
    }
    while answered < slots.count, slots[answered].ticket == nil { answered += 1 }
    if answered == slots.count || answered >= 1024 {
      slots.removeFirst(answered)
      first += UInt64(answered)
      answered = 0
    }
  }

  /// The channel is gone: everything that is left, in order. Numbering begins anew.
  mutating func drain() -> [Ticket] {
    let left = slots.compactMap(\.ticket)
    self = ConfirmTracker()
    return left
  }

  private mutating func resolveSlot(_ index: Int, _ ack: Bool, _ resolve: (Ticket, Answer) -> Void) {
    guard let ticket = slots[index].ticket else { return }
    slots[index].ticket = nil
    count -= 1
    bytes -= slots[index].bytes
    if !ack {
      resolve(ticket, .nacked)
    } else if let returned = slots[index].returned {
      resolve(ticket, .returned(code: returned.code, text: returned.text))
    } else {
      resolve(ticket, .confirmed)
    }
  }
}
