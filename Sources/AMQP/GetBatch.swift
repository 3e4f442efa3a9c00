/// Gets asked for together: it resumes its caller when the last result is there. Belongs to the consumer's thread.
final class GetBatch {
  fileprivate let queues: [String]
  private var results: [AMQPGetResult]
  private var open: Int
  private let continuation: CheckedContinuation<[AMQPGetResult], Never>

  init(_ queues: [String], _ continuation: CheckedContinuation<[AMQPGetResult], Never>) {
    self.queues = queues
    self.continuation = continuation
    results = Array(repeating: .empty, count: queues.count)
    open = queues.count
  }

  var tickets: [GetTicket] { queues.indices.map { GetTicket(batch: self, index: $0) } }

  fileprivate func resolve(_ index: Int, _ result: AMQPGetResult) {
    results[index] = result
    open -= 1
    if open == 0 { continuation.resume(returning: results) }
  }
}

/// One get of a batch; resolved exactly once.
struct GetTicket {
  fileprivate let batch: GetBatch
  fileprivate let index: Int

  var queue: String { batch.queues[index] }

  func resolve(_ result: AMQPGetResult) { batch.resolve(index, result) }
}
