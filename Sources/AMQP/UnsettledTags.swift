/// The deliveries of one channel that are not settled yet, and the fewest frames that settle them. Tags of a channel
/// count 1, 2, 3, ..., so a window over them is enough. A value without I/O.
///
/// Acks are collected until `takeFrames`. When every delivery up to some tag is settled, one ack with `multiple` covers
/// them all. Requeues and discards leave first, each with its own frame: a `multiple` ack that overtook one would
/// settle its delivery the wrong way, and the later reject of a settled tag would close the channel.
struct UnsettledTags {
  struct Frame: Equatable {
    enum Act: Equatable { case ack, ackUpTo, requeue, discard }
    var act: Act
    var tag: UInt64
  }

  private enum State { case open, acked, settled }

  /// Tag of the first state in `window`.
  private var first: UInt64 = 1
  private var window: [State] = []
  /// How much of the front of `window` is already gone; cut off in large pieces.
  private var gone = 0
  private var rejects: [Frame] = []
  private var acks: [UInt64] = []
  /// Deliveries nobody has settled yet.
  private(set) var count = 0

  /// False when the broker skipped or repeated a tag.
  mutating func delivered(_ tag: UInt64) -> Bool {
    guard tag == first + UInt64(window.count) else { return false }
    window.append(.open)
    count += 1
    return true
  }

  /// False when the tag is unknown or settled already; then nothing happens.
  mutating func settle(_ tag: UInt64, _ act: AMQPSettlement.Act) -> Bool {
    guard tag >= first, tag - first < window.count else { return false }
    let index = Int(tag - first)
    guard window[index] == .open else { return false }
    count -= 1
    switch act {
    case .ack:
      window[index] = .acked
      acks.append(tag)
    case .requeue:
      window[index] = .settled
      rejects.append(Frame(act: .requeue, tag: tag))
    case .discard:
      window[index] = .settled
      rejects.append(Frame(act: .discard, tag: tag))
    }
    return true
  }

  /// Frames to send now, in order.
  mutating func takeFrames() -> [Frame] {
    guard !acks.isEmpty || !rejects.isEmpty else { return [] }
    var frames = rejects
    rejects.removeAll(keepingCapacity: true)
    let run = settledRun()
    if run.acked == 1 { frames.append(Frame(act: .ack, tag: run.last)) }
    if run.acked > 1 { frames.append(Frame(act: .ackUpTo, tag: run.last)) }
    for tag in acks where tag > run.last {
      frames.append(Frame(act: .ack, tag: tag))
      window[Int(tag - first)] = .settled
    }
    acks.removeAll(keepingCapacity: true)
    dropGone()
    return frames
  }

  /// The longest run of settled deliveries at the front: how many of them wait for an ack, and the last such tag.
  private mutating func settledRun() -> (acked: Int, last: UInt64) {
    var acked = 0
    var last: UInt64 = 0
    while gone < window.count, window[gone] != .open {
      if window[gone] == .acked {
        acked += 1
        last = first + UInt64(gone)
      }
      gone += 1
    }
    return (acked, last)
  }

  private mutating func dropGone() {
    guard gone == window.count || gone >= 1024 else { return }
    window.removeFirst(gone)
    first += UInt64(gone)
    gone = 0
  }
}
