import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Stands before the requests of one connection, on its event loop. Answers what never becomes a request: header fields
/// that are too large or no HTTP, and a body that does not come in time, however slowly its sender feeds it. Then it closes
/// the connection.
final class RequestGuard: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let limit: TimeAmount
  private var deadline: Scheduled<Void>?
  private var isReading = false
  /// Requests whose answer has not ended, and whether one of those answers has begun.
  private var open = 0
  private var isAnswering = false
  private var hasRefused = false

  /// - Parameter limit: from the head of a request to the end of its body.
  init(limit: Duration) { self.limit = TimeAmount(limit) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !hasRefused else { return }
    switch unwrapInboundIn(data) {
    case .head(let head):
      open += 1
      isReading = true
      // Its body comes only then. RFC 9110, 10.1.1.
      if open == 1, head.headerFields[.expect]?.lowercased() == "100-continue" {
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
      }
    case .body: break
    case .end: endReading()
    }
    context.fireChannelRead(data)
  }

  /// Most requests are whole by now: only one that is not needs a clock.
  func channelReadComplete(context: ChannelHandlerContext) {
    if isReading, deadline == nil {
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      deadline = context.eventLoop.scheduleTask(in: limit) {
        let (guardian, context) = bound.value
        guard guardian.isReading else { return }
        guardian.refuse(Problem(.timeout, "the body did not arrive in time"), context)
      }
    }
    context.fireChannelReadComplete()
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard !hasRefused else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    switch unwrapOutboundIn(data) {
    case .head: isAnswering = true
    case .body: break
    case .end:
      open -= 1
      isAnswering = false
    }
    context.write(data, promise: promise)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case is IOError, is ChannelError: context.fireErrorCaught(error)
    case HTTPParserError.headerOverflow:
      refuse(Problem(.headersTooLarge, "the header fields of a request may have 16 KiB"), context)
    default: refuse(Problem(.badRequest, "this is no HTTP/1.1"), context)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    endReading()
    context.fireChannelInactive()
  }

  private func endReading() {
    isReading = false
    deadline?.cancel()
    deadline = nil
  }

  /// Only what is read just now is answered: not a request that has its answer already, nor before one that is owed to an
  /// earlier request.
  private func refuse(_ problem: Problem, _ context: ChannelHandlerContext) {
    guard !hasRefused else { return }
    hasRefused = true
    let mayAnswer = !isAnswering && open == (isReading ? 1 : 0)
    endReading()
    guard mayAnswer else {
      context.close(promise: nil)
      return
    }
    let body = problem.encoded(instance: "none")
    let fields: HTTPFields = [
      .contentType: "application/problem+json", .contentLength: String(body.count), .connection: "close",
      .cacheControl: "no-store",
    ]
    let head = HTTPResponse(status: .init(code: problem.code.status), headerFields: fields)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(context.channel.allocator.buffer(bytes: body))), promise: nil)
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in bound.value.close(promise: nil) }
  }
}

@available(*, unavailable)
extension RequestGuard: Sendable {}
