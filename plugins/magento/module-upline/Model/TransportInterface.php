<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

/**
 * Carries requests to the server.
 */
interface TransportInterface
{
    /**
     * Sends all requests at once. A request that fails has a response of status 0; nothing is thrown.
     *
     * @param array<array-key, Request> $requests
     * @return array<array-key, Response> under the same keys
     */
    public function send(array $requests): array;
}
