<?php

declare(strict_types=1);

namespace Upline\Commission\Model\ResourceModel\Delivery;

use Magento\Framework\Data\Collection\Db\FetchStrategyInterface;
use Magento\Framework\Data\Collection\EntityFactoryInterface;
use Magento\Framework\DB\Sql\Expression;
use Magento\Framework\Event\ManagerInterface;
use Magento\Framework\View\Element\UiComponent\DataProvider\SearchResult;
use Psr\Log\LoggerInterface;
use Upline\Commission\Model\Outbox;
use Upline\Commission\Model\ResourceModel\Delivery;

/**
 * The rows of the deliveries grid. They are counted up to a bound: the table may hold millions, and no page waits for
 * that.
 */
class Grid extends SearchResult
{
    /**
     * Rows are counted up to so many; a filter brings fewer.
     */
    public const COUNTED = 10000;

    /**
     * @param EntityFactoryInterface $entityFactory
     * @param LoggerInterface $logger
     * @param FetchStrategyInterface $fetchStrategy
     * @param ManagerInterface $eventManager
     * @param string $mainTable
     * @param string $resourceModel
     */
    // phpcs:ignore Generic.CodeAnalysis.UselessOverridingMethod -- the last two have defaults here alone.
    public function __construct(
        EntityFactoryInterface $entityFactory,
        LoggerInterface $logger,
        FetchStrategyInterface $fetchStrategy,
        ManagerInterface $eventManager,
        string $mainTable = Outbox::TABLE,
        string $resourceModel = Delivery::class
    ) {
        parent::__construct($entityFactory, $logger, $fetchStrategy, $eventManager, $mainTable, $resourceModel);
    }

    /**
     * @inheritDoc
     */
    public function getSize(): int
    {
        if ($this->_totalRecords === null) {
            $this->_renderFilters();
            $rows = clone $this->getSelect();
            foreach (['order', 'limitcount', 'limitoffset', 'columns'] as $part) {
                $rows->reset($part);
            }
            $rows->columns('main_table.id')->limit(self::COUNTED);
            $connection = $this->getConnection();
            $count = $connection->select()->from(['counted' => $rows], ['n' => new Expression('COUNT(*)')]);
            $this->_totalRecords = (int) $connection->fetchOne($count);
        }
        return $this->_totalRecords;
    }

    /**
     * @inheritDoc
     */
    // phpcs:ignore PSR2.Methods.MethodDeclaration.Underscore -- the name is Magento's
    protected function _initSelect(): self
    {
        parent::_initSelect();
        $this->getSelect()->joinLeft(
            ['placed' => $this->getTable('sales_order')],
            'placed.entity_id = main_table.entity_id',
            ['increment_id']
        );
        foreach (['id', 'entity_id', 'status', 'created_at', 'updated_at', 'website_id'] as $column) {
            $this->addFilterToMap($column, 'main_table.' . $column);
        }
        return $this;
    }
}
