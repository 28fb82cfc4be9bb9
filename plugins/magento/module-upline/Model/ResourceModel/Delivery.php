<?php

declare(strict_types=1);

namespace Upline\Commission\Model\ResourceModel;

use Magento\Framework\Model\ResourceModel\Db\AbstractDb;
use Upline\Commission\Model\Outbox;

/**
 * Rows of the outbox, for the grid.
 */
class Delivery extends AbstractDb
{
    /**
     * @var string
     */
    protected $connectionName = 'sales';

    /**
     * @inheritDoc
     */
    // phpcs:ignore PSR2.Methods.MethodDeclaration.Underscore -- the name is Magento's
    protected function _construct(): void
    {
        $this->_init(Outbox::TABLE, 'id');
    }
}
