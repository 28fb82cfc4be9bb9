<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

/**
 * What came back of a request.
 */
class Response
{
    /**
     * @param int $status HTTP status; 0 where no answer came
     * @param string $field the "field" of a problem document, or ''
     * @param string $detail a sentence: the server's own, or the transport's error
     * @param string $retryAfter the Retry-After header
     * @param array<string, mixed> $data the JSON of the answer
     */
    public function __construct(
        public readonly int $status,
        public readonly string $field = '',
        public readonly string $detail = '',
        public readonly string $retryAfter = '',
        public readonly array $data = []
    ) {
    }

    /**
     * Reads an answer.
     *
     * @param int $status
     * @param string $body
     * @param string $retryAfter
     * @return self
     */
    // phpcs:ignore Magento2.Functions.StaticFunction -- a constructor by name.
    public static function read(int $status, string $body, string $retryAfter): self
    {
        $data = json_decode($body, true);
        $data = is_array($data) ? $data : [];
        return new self(
            $status,
            is_string($data['field'] ?? null) ? $data['field'] : '',
            is_string($data['detail'] ?? null) ? $data['detail'] : '',
            $retryAfter,
            $data
        );
    }
}
