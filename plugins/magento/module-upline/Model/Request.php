<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

/**
 * One POST of JSON.
 */
class Request
{
    /**
     * @param string $url
     * @param string $body
     * @param array<string, string> $headers
     * @param float $connect seconds for the connection
     * @param float $total seconds for all of it
     */
    public function __construct(
        public readonly string $url,
        public readonly string $body,
        public readonly array $headers,
        public readonly float $connect,
        public readonly float $total
    ) {
    }
}
