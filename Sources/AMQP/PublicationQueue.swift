/// A batch on its way: it resumes its caller when the last result is there. Belongs to the publisher's thread.
final class PublicationBatch {
  fileprivate var publications: [AMQPPublication]
  fileprivate var next = 0
  private var results: [AMQPPublishResult]
  private var open: Int
  private let continuation: CheckedContinuation<[AMQPPublishResult], Never>

  init(_ publications: [AMQPPublication], _ continuation: CheckedContinuation<[AMQPPublishResult], Never>) {
    self.publications = publications
    self.continuation = continuation
    results = Array(repeating: .nacked, count: publications.count)
    open = publications.count
  }

  fileprivate func resolve(_ index: Int, _ result: AMQPPublishResult) {
    results[index] = result
    open -= 1
    if open == 0 { continuation.resume(returning: results) }
  }
}

/// One publication of a batch; resolved exactly once.
struct Ticket {
  fileprivate let batch: PublicationBatch
  fileprivate let index: Int

  func resolve(_ result: AMQPPublishResult) { batch.resolve(index, result) }
}

/// Publications that wait to be written, first come first served.
struct PublicationQueue {
  private var batches: [PublicationBatch] = []
  /// Batches at the front that are written out; cut off in large pieces.
  private var done = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  mutating func append(_ batch: PublicationBatch) {
    batches.append(batch)
    count += batch.publications.count
  }

  /// The first one, if it pleases `condition`.
  mutating func next(where condition: (AMQPPublication) -> Bool) -> (Ticket, AMQPPublication)? {
    guard done < batches.count else { return nil }
    let batch = batches[done]
    let publication = batch.publications[batch.next]
    guard condition(publication) else { return nil }
    let ticket = Ticket(batch: batch, index: batch.next)
    batch.next += 1
    count -= 1
    if batch.next == batch.publications.count {
      batch.publications = []
      done += 1
      cutDone()
    }
    return (ticket, publication)
  }

  mutating func drain() -> [Ticket] {
    defer { self = PublicationQueue() }
    return batches[done...].flatMap { batch in
      (batch.next..<batch.publications.count).map { Ticket(batch: batch, index: $0) }
    }
  }

  private mutating func cutDone() {
    guard done == batches.count || done >= 256 else { return }
    batches.removeFirst(done)
    done = 0
  }
}
