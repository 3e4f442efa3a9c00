import CHiredis

/// The border: a reply leaves C memory here, on the connection's thread. hiredis 0.14 refuses replies nested deeper
/// than seven levels, which bounds the recursion.
extension RedisValue {
  init(copying reply: UnsafePointer<redisReply>) throws(RedisError) {
    switch reply.pointee.type {
    case REDIS_REPLY_NIL: self = .null
    case REDIS_REPLY_INTEGER: self = .integer(reply.pointee.integer)
    case REDIS_REPLY_STRING: self = .bytes(Array(reply.textBytes))
    case REDIS_REPLY_STATUS: self = .status(String(decoding: reply.textBytes, as: UTF8.self))
    case REDIS_REPLY_ERROR: self = .error(String(decoding: reply.textBytes, as: UTF8.self))
    case REDIS_REPLY_ARRAY:
      var values: [RedisValue] = []
      values.reserveCapacity(reply.pointee.elements)
      for index in 0..<reply.pointee.elements {
        guard let element = reply.pointee.element[index] else {
          throw RedisError(.protocolViolation, "redis sent an array with a hole", .reconnect, isOutcomeUnknown: true)
        }
        values.append(try RedisValue(copying: element))
      }
      self = .array(values)
    default:
      throw RedisError(.protocolViolation, "redis sent a reply of no known type", .reconnect, isOutcomeUnknown: true)
    }
  }
}

extension UnsafePointer<redisReply> {
  fileprivate var textBytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: pointee.str, count: pointee.len)
  }
}
