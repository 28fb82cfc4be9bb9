<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Api;

use Magento\Authorization\Model\UserContextInterface;
use Upline\Commission\Model\Connection;

/**
 * Whose call of REST it is. Each connection has an integration of its own, and is answered with its own orders: two
 * stores at Upline that were both told of an order would both pay for it.
 */
class Caller
{
    /**
     * @param UserContextInterface $user
     * @param Connection $connection
     */
    public function __construct(
        private readonly UserContextInterface $user,
        private readonly Connection $connection
    ) {
    }

    /**
     * The connection that calls; that of all websites where no integration of ours does.
     *
     * @return Connection
     */
    public function connection(): Connection
    {
        $isIntegration = (int) $this->user->getUserType() === UserContextInterface::USER_TYPE_INTEGRATION;
        return $this->connection->calledBy($isIntegration ? (int) $this->user->getUserId() : 0);
    }
}
