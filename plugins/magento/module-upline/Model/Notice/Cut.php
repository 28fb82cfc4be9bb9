<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Notice;

use Magento\Framework\Phrase;
use Upline\Commission\Model\Connection;

/**
 * The server does not know the shop any more, or this is a copy of it.
 */
class Cut extends Notice
{
    /**
     * @inheritDoc
     */
    protected function holds(array $connections): bool
    {
        foreach ($connections as $connection) {
            if (in_array($connection->hindrance(), [Connection::PAUSED, Connection::ANOTHER_SITE], true)) {
                return true;
            }
        }
        return false;
    }

    /**
     * @inheritDoc
     */
    protected function sentence(): Phrase
    {
        return __('orders are not told: the connection has ended, or this is a copy of the shop. Nothing is lost.');
    }
}
